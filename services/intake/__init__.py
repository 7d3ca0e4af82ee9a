"""Intake owns every complaint as it arrived and the vault, the only home of personal data: complainants and their
contact points, the words as received, attachments, each sealed under its complainant's data key. It hears nothing from
the log but the policy, and says on `redress.complaints` what was received and added, with personal data masked.
"""
