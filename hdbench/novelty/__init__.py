"""What is new about samples, one by one: their record, the novelty-quality plane, and the gallery of training neighbours."""
