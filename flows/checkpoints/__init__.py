"""Looking at and tidying the checkpoints of a data folder (`python -m flows.checkpoints`)."""
