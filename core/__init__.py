"""Ingestion, features, training, evaluation and live forecasts: everything the pages can do, without a browser."""
