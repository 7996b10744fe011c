"""Rows become a table: laid out, compared, with the paper's numbers beside."""
