"""Side-by-side measurements on one machine and one broker: Kept, stock Faust, and the plain loop that bounds both."""
