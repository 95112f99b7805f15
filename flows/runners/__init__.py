"""Where batches run, by setting: threads of this process, or the processes of a cluster."""
