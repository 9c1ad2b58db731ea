"""The learning: features of customers in, model parameters and diagnostics out.

Frames and arrays only. The package opens no file and no database, holds no SQL and no state.
"""
