"""Policy as data: the model of a pack, loading, inheritance, versions and the form in which one
travels.
"""
