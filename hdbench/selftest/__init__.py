"""The audit of the metrics: cases with exact answers, and what each metric makes of samples that get worse step by step.

vectors   known answers               base      real shapes to start from          curves    values along strengths
verdicts  seen, blind or rewarded     report    tables for people and programs     plot      the curves as a picture
"""
