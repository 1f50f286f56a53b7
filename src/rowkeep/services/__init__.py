"""Services: who may do what, and what is then done. Each call is authorise, plan, run."""
