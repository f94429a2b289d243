"""What a service's money bought: cost week by week, whether cost and quality truly moved, where the year will end."""
