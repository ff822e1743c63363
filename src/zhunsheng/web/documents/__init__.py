"""文书: official documents with a number, a print in the form of GB/T 9704, and a page that proves them."""
