"""The audit of the metrics: cases with exact answers, and what each metric makes of samples that get worse step by step.

``vectors``: known answers. ``base``: real shapes to start from; ``dressing``: their meshes, weights and motion.
``curves``: values along strengths. ``verdicts``: seen, blind or rewarded. ``report`` and ``plot``: what a user looks at.
"""
