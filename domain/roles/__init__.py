"""Who holds which role on a day, who deputizes, and on whom a duty falls."""
