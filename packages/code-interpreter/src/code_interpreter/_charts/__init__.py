"""Charts and tables out of what a kernel says of them; nothing here fails over what it does not understand."""
