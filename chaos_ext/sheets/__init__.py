"""The catalogue as a workbook that people fill in, and back without losing what the workbook does not show."""
