"""Parts of Redress that are measured alone, each started as a process of its own."""
