"""The weekly summary on paper: a PDF for printing, tagged for those who listen to it."""
