"""The browser side: what pages are made of. Beside pages/ and app.py the only place that imports streamlit."""
