"""The lab's network: TCP proxies that can be told to be slow, narrow, lossy or down.

Speaks Toxiproxy's HTTP API (https://github.com/Shopify/toxiproxy), so its clients work here and a
real toxiproxy-server can take this one's place.
"""
