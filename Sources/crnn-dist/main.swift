print("crnn-dist")
