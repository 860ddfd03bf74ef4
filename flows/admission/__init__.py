"""Admission: from a referral to a followed participant, through the weekly Clinical Committee."""
