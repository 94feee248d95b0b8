"""From the records of a database to the batches of a net.

A `source` reads records, `datum` makes an image of one, a `transformer` crops, mirrors and scales
that, `batches` does so for a whole batch, and `prefetch` ahead of its use.
"""
