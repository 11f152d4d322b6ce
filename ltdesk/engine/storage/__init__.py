"""Storage of ingested scans: a directory (``file:``) or HDFS (``webhdfs:``), behind one small interface."""

from ltdesk.engine.storage.open import open_storage
from ltdesk.engine.storage.storage import Block, Entry, LocalFile, NotLocal, Reader, Storage

__all__ = ["Block", "Entry", "LocalFile", "NotLocal", "Reader", "Storage", "open_storage"]
