"""Plans of charts: a chart is checked against the columns of its table or view."""
