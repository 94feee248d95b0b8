"""How fast this Caffe is, beside the best of its peers. See README.md; run ``make bench``."""
