-- The socks, their tags, and which sock has which tag.
CREATE TABLE IF NOT EXISTS sock (
  sock_id VARCHAR(40) PRIMARY KEY,
  name VARCHAR(20) NOT NULL,
  description VARCHAR(200) NOT NULL,
  price DOUBLE PRECISION NOT NULL,
  count BIGINT NOT NULL,
  image_url_1 VARCHAR(40) NOT NULL,
  image_url_2 VARCHAR(40) NOT NULL
);
CREATE TABLE IF NOT EXISTS tag (
  tag_id BIGINT PRIMARY KEY,
  name VARCHAR(20) NOT NULL
);
CREATE TABLE IF NOT EXISTS sock_tag (
  sock_id VARCHAR(40) NOT NULL REFERENCES sock (sock_id),
  tag_id BIGINT NOT NULL REFERENCES tag (tag_id),
  place BIGINT NOT NULL,
  PRIMARY KEY (sock_id, tag_id)
);
INSERT INTO tag (tag_id, name) VALUES
  (1, 'brown'), (2, 'geek'), (3, 'formal'), (4, 'blue'), (5, 'skin'), (6, 'red'),
  (7, 'action'), (8, 'sport'), (9, 'black'), (10, 'magic'), (11, 'green')
ON CONFLICT (tag_id) DO NOTHING;
INSERT INTO sock (sock_id, name, description, price, count, image_url_1, image_url_2) VALUES
  ('03fef6ac-1896-4ce8-bd69-b798f85c6e0b', 'Holy', 'Socks fit for a Messiah. Every hole is where it should be, and the only pair is yours if you are quick.', 99.99, 1, '/catalogue/images/holy_1.jpeg', '/catalogue/images/holy_2.jpeg'),
  ('3395a43e-2d88-40de-b95f-e00e1502085b', 'Colourful', 'Every colour of the box of crayons, one after the other.', 18, 438, '/catalogue/images/colourful_socks.jpg', '/catalogue/images/colourful_socks.jpg'),
  ('510a0d7e-8e83-4193-b483-e27e09ddc34d', 'SuperSport XL', 'Ready for action: for engineers who run after the next bug, and away from the last one.', 15, 820, '/catalogue/images/puma_1.jpeg', '/catalogue/images/puma_2.jpeg'),
  ('6d62d909-f957-430e-8689-b5129c0bb75e', 'Weave special', 'Limited issue, woven with care.', 17.15, 33, '/catalogue/images/weave1.jpg', '/catalogue/images/weave2.jpg'),
  ('808a2de1-1aaa-4c25-a9b9-6612e8f29a38', 'Crossed', 'A mature sock, crossed, with an air of nonchalance.', 17.32, 738, '/catalogue/images/cross_1.jpeg', '/catalogue/images/cross_2.jpeg'),
  ('819e1fbf-8b7e-4f6d-811f-693534916a8b', 'Figueroa', 'Dots that match no shirt, and therefore every shirt.', 14, 808, '/catalogue/images/WAT.jpg', '/catalogue/images/WAT2.jpg'),
  ('837ab141-399e-4c1f-9abc-bace40296bac', 'Cat socks', 'Three cats a foot. They do not come when they are called.', 15, 175, '/catalogue/images/catsocks.jpg', '/catalogue/images/catsocks2.jpg'),
  ('a0a4f044-b040-410d-8ead-4de0446aec7e', 'Nerd leg', 'For all who like a well-rested calf in a sensible sock.', 7.99, 115, '/catalogue/images/bit_of_leg_1.jpeg', '/catalogue/images/bit_of_leg_2.jpeg'),
  ('d3588630-ad8e-49df-bbd7-3167f7efb246', 'YouTube.sock', 'Nobody paid us to sell this sock. It is just a bit geeky.', 10.99, 801, '/catalogue/images/youtube_1.jpeg', '/catalogue/images/youtube_2.jpeg'),
  ('zzz4f044-b040-410d-8ead-4de0446aec7e', 'Classic', 'Keep it simple.', 12, 127, '/catalogue/images/classic.jpg', '/catalogue/images/classic2.jpg')
ON CONFLICT (sock_id) DO NOTHING;
INSERT INTO sock_tag (sock_id, tag_id, place) VALUES
  ('03fef6ac-1896-4ce8-bd69-b798f85c6e0b', 10, 1), ('03fef6ac-1896-4ce8-bd69-b798f85c6e0b', 7, 2),
  ('3395a43e-2d88-40de-b95f-e00e1502085b', 1, 1), ('3395a43e-2d88-40de-b95f-e00e1502085b', 4, 2),
  ('510a0d7e-8e83-4193-b483-e27e09ddc34d', 8, 1), ('510a0d7e-8e83-4193-b483-e27e09ddc34d', 9, 2), ('510a0d7e-8e83-4193-b483-e27e09ddc34d', 3, 3),
  ('6d62d909-f957-430e-8689-b5129c0bb75e', 2, 1), ('6d62d909-f957-430e-8689-b5129c0bb75e', 9, 2),
  ('808a2de1-1aaa-4c25-a9b9-6612e8f29a38', 4, 1), ('808a2de1-1aaa-4c25-a9b9-6612e8f29a38', 6, 2), ('808a2de1-1aaa-4c25-a9b9-6612e8f29a38', 7, 3), ('808a2de1-1aaa-4c25-a9b9-6612e8f29a38', 3, 4),
  ('819e1fbf-8b7e-4f6d-811f-693534916a8b', 3, 1), ('819e1fbf-8b7e-4f6d-811f-693534916a8b', 11, 2), ('819e1fbf-8b7e-4f6d-811f-693534916a8b', 4, 3),
  ('837ab141-399e-4c1f-9abc-bace40296bac', 1, 1), ('837ab141-399e-4c1f-9abc-bace40296bac', 11, 2), ('837ab141-399e-4c1f-9abc-bace40296bac', 3, 3),
  ('a0a4f044-b040-410d-8ead-4de0446aec7e', 4, 1), ('a0a4f044-b040-410d-8ead-4de0446aec7e', 5, 2),
  ('d3588630-ad8e-49df-bbd7-3167f7efb246', 2, 1), ('d3588630-ad8e-49df-bbd7-3167f7efb246', 3, 2),
  ('zzz4f044-b040-410d-8ead-4de0446aec7e', 1, 1), ('zzz4f044-b040-410d-8ead-4de0446aec7e', 11, 2)
ON CONFLICT (sock_id, tag_id) DO NOTHING;
