"""Who did what, when, from where, and with what outcome: records in the form of DMTF's CADF (DSP0262), kept in a table."""
