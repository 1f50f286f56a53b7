"""Services: each call is authorised, planned and run."""
