"""HTTP beside the calls: health for balancers, metrics for Prometheus, calls for the dialplan and for people."""
