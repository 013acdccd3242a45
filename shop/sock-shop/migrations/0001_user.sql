-- Customers with their addresses and cards; an address or card may belong to nobody.
CREATE TABLE IF NOT EXISTS customer (
  id TEXT PRIMARY KEY,
  username TEXT NOT NULL UNIQUE,
  password TEXT NOT NULL,
  email TEXT NOT NULL,
  first_name TEXT NOT NULL,
  last_name TEXT NOT NULL,
  added BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS address (
  id TEXT PRIMARY KEY,
  customer_id TEXT,
  street TEXT NOT NULL,
  number TEXT NOT NULL,
  country TEXT NOT NULL,
  city TEXT NOT NULL,
  postcode TEXT NOT NULL,
  added BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS card (
  id TEXT PRIMARY KEY,
  customer_id TEXT,
  long_num TEXT NOT NULL,
  expires TEXT NOT NULL,
  ccv TEXT NOT NULL,
  added BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS address_customer ON address (customer_id);
CREATE INDEX IF NOT EXISTS card_customer ON card (customer_id);
INSERT INTO customer (id, username, password, email, first_name, last_name, added) VALUES
  ('57a98d98e4b00679b4a830b2', 'Eve_Berger', '$2b$10$g2CE764lk9NQEJBPUaJp4OYv88Owh04DjZtEK1v4d364usJC9XgH.', 'eve@sockshop.com', 'Eve', 'Berger', 1),
  ('57a98d98e4b00679b4a830af', 'user', '$2b$10$kMQS.aa6L49g.EW.LsEZYu06RgjBBjHaRG6DR33dyvxnhb1LiWSc6', 'user@sockshop.com', 'User', 'Name', 2),
  ('57a98d98e4b00679b4a830b5', 'user1', '$2b$10$jdD4dBeGKZ2GlZ90vLl6ROxsvCvWZldazi.TGS1gQNOiFU1Pp0p8i', 'user1@sockshop.com', 'User1', 'Name1', 3)
ON CONFLICT (id) DO NOTHING;
INSERT INTO address (id, customer_id, street, number, country, city, postcode, added) VALUES
  ('57a98d98e4b00679b4a830ad', '57a98d98e4b00679b4a830b2', 'Whitelees Road', '246', 'United Kingdom', 'Glasgow', 'G67 3DL', 1),
  ('57a98d98e4b00679b4a830b0', '57a98d98e4b00679b4a830af', 'Whitelees Road', '246', 'United Kingdom', 'Glasgow', 'G67 3DL', 2),
  ('57a98d98e4b00679b4a830b3', '57a98d98e4b00679b4a830b5', 'Maes-Y-Deri', '4', 'United Kingdom', 'Aberdare', 'CF44 6TF', 3),
  ('57a98ddce4b00679b4a830d1', NULL, 'my road', '3', 'UK', 'London', '', 4)
ON CONFLICT (id) DO NOTHING;
INSERT INTO card (id, customer_id, long_num, expires, ccv, added) VALUES
  ('57a98d98e4b00679b4a830ae', '57a98d98e4b00679b4a830b2', '5953580604169678', '08/19', '678', 1),
  ('57a98d98e4b00679b4a830b1', '57a98d98e4b00679b4a830af', '5544154011345918', '08/19', '958', 2),
  ('57a98d98e4b00679b4a830b4', '57a98d98e4b00679b4a830b5', '0908415193175205', '08/19', '280', 3),
  ('57a98ddce4b00679b4a830d2', NULL, '5429804235432', '04/16', '432', 4)
ON CONFLICT (id) DO NOTHING;
