"""Intake owns every complaint as it arrived and the vault, the only home of personal data: complainants, customers and
staff with their contact points, the words as received, attachments, each sealed under a data key of their own. It
hears nothing from the log but the policy, and says on `redress.complaints` what was received, added and linked, with
personal data masked, how customers can be reached, and who was erased.
"""
