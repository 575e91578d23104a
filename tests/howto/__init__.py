"""The how-tos, held against what they tell: their blocks are written into a copy of the tree and run there."""
