module Api
  class BaseController < ApplicationController
    # A browser's session still needs its token; callers who bring their own credentials do not.
    skip_forgery_protection if: -> { request.authorization.present? }

    private

    def answer(status, message)
      render json: { error: { message: message } }, status: status
    end

    def invalid(error)
      wrong = error.record.errors
      render json: { error: { id: error.record.id, errors: wrong.to_hash, full_messages: wrong.full_messages } }, status: :unprocessable_entity
    end

    def denied(error)
      answer(:unauthorized, error.message)
    end

    def render_list(records)
      page, per_page = [params.fetch(:page, 1).to_i, 1].max, params.fetch(:per_page, 20).to_i.clamp(1, 1000)
      total = records.count
      results = records.limit(per_page).offset((page - 1) * per_page)
      render json: { total: total, subtotal: total, page: page, per_page: per_page, search: params[:search],
                     sort: { by: nil, order: nil }, results: results }
    end

    # The part of scoped_search that scripts use: `name = x and state = y`, with or without blanks and quotes.
    def searched(scope, columns)
      return scope if params[:search].blank?
      params[:search].split(/\s+and\s+/i).inject(scope) do |found, term|
        column, operator, value = term.match(/\A\s*(\w+)\s*(!?=|~)\s*"?(.*?)"?\s*\z/)&.captures
        raise ActionController::ParameterMissing, "search: cannot read '#{term}'" unless columns.include?(column)
        case operator
        when '=' then found.where(column => value)
        when '!=' then found.where.not(column => value)
        else found.where("#{column} LIKE ?", "%#{value}%")
        end
      end
    end
  end
end
