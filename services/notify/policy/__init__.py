"""Pure decisions: what to say (`choose`), by which way (`way`), and when to try again (`retry`)."""
