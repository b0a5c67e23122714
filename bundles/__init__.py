"""The distribution keras-itm-bundles: small trained bundles; `make bundles` makes it."""
