"""Fragments for training: cut, altered, approved by a second person."""
