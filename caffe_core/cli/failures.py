"""How a command that fails says so."""

from __future__ import annotations

import logging

logger = logging.getLogger("caffe")


def report(error: Exception, traceback: bool) -> None:
    """Log `error` as one message whose file and line are those where it was raised.

    Args:
        error: What went wrong.
        traceback: Add the traceback.
    """
    file, line = _origin(error)
    record = logger.makeRecord(
        logger.name,
        logging.ERROR,
        file,
        line,
        "%s",
        (str(error) or type(error).__name__,),
        (type(error), error, error.__traceback__) if traceback else None,
    )
    logger.handle(record)


def _origin(error: Exception) -> tuple[str, int]:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (trace.tb_frame.f_code.co_filename, trace.tb_lineno) if trace else ("caffe", 0)
