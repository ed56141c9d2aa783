"""The demo nation: which sites there are, who is simulated, and what goes on in its meeting."""
