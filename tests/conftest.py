"""Tests in the folders below may import the helpers in this one."""
