"""Cloud Storage's JSON interface: `store.py` keeps the objects, `routes.py` answers, `uploads.py` takes uploads."""
