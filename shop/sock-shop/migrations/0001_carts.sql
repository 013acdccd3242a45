-- One line of a cart; a cart is its lines.
CREATE TABLE IF NOT EXISTS cart_item (
  id TEXT PRIMARY KEY,
  cart_id TEXT NOT NULL,
  item_id TEXT NOT NULL,
  quantity BIGINT NOT NULL,
  unit_price DOUBLE PRECISION NOT NULL,
  added BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS cart_item_cart ON cart_item (cart_id);
