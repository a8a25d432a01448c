"""No secret leaves this process in text: values that must not be seen, and what hides them wherever text goes out."""
