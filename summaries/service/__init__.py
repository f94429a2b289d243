"""What the page of one service says, part by part. Pure: published figures in, words and tables out."""
