package worker

import (
	"fmt"
	"go/parser"
	"go/scanner"
	"go/token"
)

// kind says what a piece of a cell is.
type kind int

const (
	statement kind = iota
	imports
	constants
	variables
	typed
	function
	method
	clause // package main
)

// piece is one declaration or statement of a cell, as the user wrote it.
type piece struct {
	kind   kind
	text   string
	offset int  // where it begins in the cell, in bytes
	silent bool // whether a semicolon was written behind it
}

// fault is what is wrong with a cell at a place of it.
type fault struct {
	line, column int
	message      string
}

func (f fault) String() string {
	return fmt.Sprintf("%d:%d: %s", f.line, f.column, f.message)
}

type lexeme struct {
	token  token.Token
	offset int
	end    int
	text   string
}

// split cuts a cell into pieces where Go's own rules put semicolons outside all brackets.
func split(code string) ([]piece, []fault) {
	lexemes, faults := scan(code)
	if faults != nil {
		return nil, faults
	}
	var pieces []piece
	var open []lexeme
	start := 0
	for i, lexeme := range lexemes {
		switch lexeme.token {
		case token.LPAREN, token.LBRACK, token.LBRACE:
			open = append(open, lexeme)
		case token.RPAREN, token.RBRACK, token.RBRACE:
			if len(open) == 0 || closing[open[len(open)-1].token] != lexeme.token {
				return nil, []fault{at(code, lexeme.offset, "syntax error: unexpected "+lexeme.token.String())}
			}
			open = open[:len(open)-1]
		case token.SEMICOLON:
			written := lexeme.text == ";"
			if len(open) > 0 || written && !complete(code, lexemes[start:i]) {
				continue
			}
			if i > start {
				pieces = append(pieces, cut(code, lexemes[start:i], written))
			}
			start = i + 1
		}
	}
	if len(open) > 0 {
		last := open[len(open)-1]
		message := fmt.Sprintf("syntax error: unexpected end of the cell, %s is not closed", last.token)
		return nil, []fault{at(code, last.offset, message)}
	}
	if start < len(lexemes) {
		pieces = append(pieces, cut(code, lexemes[start:], false))
	}
	return pieces, nil
}

var closing = map[token.Token]token.Token{
	token.LPAREN: token.RPAREN, token.LBRACK: token.RBRACK, token.LBRACE: token.RBRACE,
}

func scan(code string) ([]lexeme, []fault) {
	files := token.NewFileSet()
	file := files.AddFile("", files.Base(), len(code))
	var faults []fault
	var s scanner.Scanner
	s.Init(file, []byte(code), func(place token.Position, message string) {
		faults = append(faults, at(code, place.Offset, message))
	}, 0)
	var lexemes []lexeme
	for {
		position, tok, text := s.Scan()
		if tok == token.EOF {
			return lexemes, faults
		}
		offset := file.Offset(position)
		if text == "" {
			text = tok.String()
		}
		end := offset + len(text)
		if tok == token.SEMICOLON && text != ";" {
			end = offset
		}
		if tok == token.STRING && end < len(code) && text[0] == '`' {
			// Carriage returns are left out of the literal's text.
			for end < len(code) && code[end-1] != '`' {
				end++
			}
		}
		lexemes = append(lexemes, lexeme{tok, offset, end, text})
	}
}

// complete tells whether a semicolon that was written ends a statement, rather than a part of its header.
func complete(code string, lexemes []lexeme) bool {
	if len(lexemes) == 0 {
		return true
	}
	switch classify(lexemes) {
	case statement:
		text := code[lexemes[0].offset:lexemes[len(lexemes)-1].end]
		_, err := parser.ParseFile(token.NewFileSet(), "", "package p; func _() {"+text+"\n}", 0)
		return err == nil || !header[lexemes[0].token] && lexemes[0].token != token.IDENT
	default:
		return true
	}
}

var header = map[token.Token]bool{token.FOR: true, token.IF: true, token.SWITCH: true, token.SELECT: true}

func cut(code string, lexemes []lexeme, silent bool) piece {
	first, last := lexemes[0], lexemes[len(lexemes)-1]
	return piece{kind: classify(lexemes), text: code[first.offset:last.end], offset: first.offset, silent: silent}
}

func classify(lexemes []lexeme) kind {
	switch lexemes[0].token {
	case token.PACKAGE:
		return clause
	case token.IMPORT:
		return imports
	case token.CONST:
		return constants
	case token.VAR:
		return variables
	case token.TYPE:
		return typed
	case token.FUNC:
		return classifyFunction(lexemes)
	}
	return statement
}

func classifyFunction(lexemes []lexeme) kind {
	if len(lexemes) > 1 && lexemes[1].token == token.IDENT {
		return function
	}
	depth := 0
	for i, lexeme := range lexemes[1:] {
		switch lexeme.token {
		case token.LPAREN:
			depth++
		case token.RPAREN:
			depth--
			if depth == 0 {
				if following := lexemes[i+2:]; len(following) > 1 &&
					following[0].token == token.IDENT && following[1].token == token.LPAREN && closes(following[1:]) {
					return method
				}
				return statement
			}
		}
	}
	return statement
}

// closes tells a method from a call of a literal such as func() T(nil)…: a method's parameters are followed by a body.
func closes(lexemes []lexeme) bool {
	return lexemes[len(lexemes)-1].token == token.RBRACE
}

// at returns a fault at a byte of the cell.
func at(code string, offset int, message string) fault {
	line, column := place(code, offset)
	return fault{line, column, message}
}

func place(code string, offset int) (int, int) {
	offset = max(0, min(offset, len(code)))
	line, column := 1, 1
	for _, letter := range []byte(code[:offset]) {
		column++
		if letter == '\n' {
			line, column = line+1, 1
		}
	}
	return line, column
}
