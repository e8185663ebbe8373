"""Compiling of windows (docs/design/008-compiled-windows.md): from a template to a graph of torch.

Runs in processes of its own, on stock torch; a script never imports it.
"""
