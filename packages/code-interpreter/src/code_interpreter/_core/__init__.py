"""What can be said without waiting: requests, decoding, folding events into results. No loop, socket or clock."""
