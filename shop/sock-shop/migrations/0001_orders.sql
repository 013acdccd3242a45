-- Orders as documents; what is searched by has a column of its own.
CREATE TABLE IF NOT EXISTS customer_order (
  id TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL,
  shipment_id TEXT NOT NULL,
  status TEXT NOT NULL,
  placed BIGINT NOT NULL,
  document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS customer_order_customer ON customer_order (customer_id);
CREATE INDEX IF NOT EXISTS customer_order_shipment ON customer_order (shipment_id);
