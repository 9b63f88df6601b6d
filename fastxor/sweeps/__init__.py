"""`train_many`, in memory, to stores and by executors. Imports training and runs."""
