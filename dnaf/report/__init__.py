"""Tables, figures and the page of all methods."""
