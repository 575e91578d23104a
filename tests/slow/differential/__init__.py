"""The same requests to a real Keystone and to ours, and what of the answers is told apart."""
