"""Desk owns who may do what: units, accounts, roles, keys, packs in force; later the screens. It hears nothing from the
log and says every change, as whole states, on `redress.policy`. It keeps no complaint data.
"""
