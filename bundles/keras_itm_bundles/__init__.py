"""Bundles of keras-itm that learnt from simulated patients: `keras_itm.packaged_bundles.NAMES`."""
