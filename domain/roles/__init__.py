"""Who holds which role on a day, who deputizes, and who a duty falls on."""
